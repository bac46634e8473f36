from softcifar.report.chapters.labels import gallery, loss_maps, samples
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter("labels", "Images and labels", figures=(samples.draw, gallery.draw, loss_maps.draw))

from softcifar.report.chapters.robustness import attack, attacks, corruption, cover, masking, shift_uncertainty, shifts
from softcifar.report.core.chapter import Chapter

CHAPTER = Chapter(
    "robustness",
    "Robustness",
    rows=(attacks.rows, shifts.rows),
    tables=(attacks.table, shifts.corruption, shifts.uncertainty),
    figures=(attack.draw, corruption.accuracy, corruption.calibration, cover.occlusion, cover.crop, shift_uncertainty.draw),
    facts=lambda study: {
        "masking": masking.in_words(study.results, masking.masking(study.results)),
        "cost": masking.cost_in_words(study.results),
    },
    plots={"fgsm": attacks.fgsm},
)

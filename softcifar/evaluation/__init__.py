"""A trained network on test, novel, attacked, corrupted, covered and cropped images."""

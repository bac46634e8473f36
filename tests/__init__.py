"""The tests. One thread of linear algebra in each of their processes: two workers with two each would wait for each other."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy and scipy are imported, which nothing has done yet

"""How fast, how good, how large: one file per thing measured, one table for all (make bench).

    python -m bench                        # every part; about 35 minutes on 2 otherwise idle CPU cores
    python -m bench training stages        # some parts; the others keep their rows in the file of results
    python -m bench accuracy_cifar10       # seconds to CIFAR-10's published accuracy; half an hour more, so only where named
    python -m bench accuracy_by_cost       # accuracy against the minutes of a core that it took; an hour and a half, likewise
    python -m bench --quick --out /tmp/x   # in miniature: shows that everything runs, measures nothing

bench/results/<machine>.csv holds the table with the versions of everything behind each row. Progress is shown on standard
error. Where SOFTCIFAR_MIRROR names a folder that has CIFAR-10, parity trains on it; without it `accuracy`,
`accuracy_cifar10` and `accuracy_by_cost` measure nothing.
"""

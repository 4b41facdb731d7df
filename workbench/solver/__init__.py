"""Arrays in, arrays out: the one engine that advances blocks of runs. It knows no files and no tables."""

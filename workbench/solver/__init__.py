"""Arrays in, arrays out: the one engine that advances blocks of runs. It knows no files and no tables.

Five words for parts of the work, from large to small. An *arm slice* (`workbench.plan.groups`) is the runs of one arm
of one study, all with the same tables. A *batch plan* (`workbench.plan.run_plans`) is a group of runs that are given
out and stored together. A *block* is the runs of one structure that advance side by side, one column of an array for
each. A *subject lane* is what all runs of one subject in a block share: draws are made once a lane, and gathered to
the runs. A *trial chunk* (`block.piece` trials) is what a block draws noise for at once.
"""

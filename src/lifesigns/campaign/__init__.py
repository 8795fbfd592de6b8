"""Many runs of one unmodified script: planned, run on one machine or a cluster, resumed after a crash, and judged."""

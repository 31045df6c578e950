"""All benchmarks, one table: what bench/run starts."""

import post_rows
import read_rows
from measure import main

if __name__ == "__main__":
    main(__doc__, read_rows.measure, post_rows.measure)

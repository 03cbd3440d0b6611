"""Everything on one machine: Temporal, the sandbox and a worker, started and watched over by one process."""

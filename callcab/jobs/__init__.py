"""The edge of the queue: jobs and sweeps open units of work and call services."""

"""Benchmarks: what things cost, beside the limit of the same machine in the same run."""

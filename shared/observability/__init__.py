"""What an operator sees of a running process: logs, metrics, and which cause an effect had."""

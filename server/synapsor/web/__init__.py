"""What every HTTP server of ours stands on, whoever it answers: bounded connections, bounded bodies, signals."""

"""What Recado is about, without I/O and without a clock: values, and decisions from facts."""

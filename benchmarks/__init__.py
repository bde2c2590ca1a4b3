"""How much Recado delivers for a second of CPU, beside other senders in the same run."""

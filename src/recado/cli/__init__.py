"""The command line: ``recado``. What is heavy is imported where a command needs it.

Typing ``recado --help``, or having the shell complete a word, must not wait for a web framework.
"""

from recado.cli.program import main

__all__ = ["main"]

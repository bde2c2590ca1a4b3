"""The use cases around long answers: promising one, saying it, and ending it in one way."""

from recado.answers.answers import Answers
from recado.answers.ending import Ending
from recado.answers.saying import Saying

__all__ = ["Answers", "Ending", "Saying"]

"""Words: what people say of when and how long, in English and Spanish, understood or refused."""

from recado.domain.words.dates import prepare
from recado.domain.words.duration import duration_of
from recado.domain.words.moment import Understood, moment_of

__all__ = ["Understood", "duration_of", "moment_of", "prepare"]

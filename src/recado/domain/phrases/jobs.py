"""What the jobs bot says, and what every bot may have to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

JobPhrase = Literal[
    "job_started",
    "job_completing",
    "job_complete",
    "job_already_complete",
    "job_unknown",
    "job_number_missing",
    "job_log_empty",
    "job_log_header",
    "job_log_shortened",
    "job_log_failed",
    "yes",
    "no",
    "welcome",
    "welcome_by_name",
    "jobs_help",
    "apology",
]

#: Blank lines, not line breaks, because Markdown joins lines and plain text shows them anyway.
JOBS: Final[Mapping[str, Mapping[JobPhrase, str]]] = {
    "en": {
        "job_started": (
            "We're starting job {number} for you. We'll notify you when it's complete."
        ),
        "job_completing": "Completing job {number}.",
        "job_complete": "Job {number} is complete.",
        "job_already_complete": "Job {number} is already complete.",
        "job_unknown": "The log does not contain a job {number}.",
        "job_number_missing": 'Enter the job ID number after "done".',
        "job_log_empty": "The job log is empty.",
        "job_log_header": "| Job number | Conversation ID | Completed |",
        "job_log_shortened": "{count} earlier jobs are not shown.",
        "job_log_failed": (
            "Sorry, the job log cannot be read or written at the moment. Please try again later."
        ),
        "yes": "True",
        "no": "False",
        "welcome": "Welcome.",
        "welcome_by_name": "Welcome, {name}.",
        "jobs_help": (
            "Type 'run' or 'run job' to start a new job.\n\n"
            "Type 'show' or 'show jobs' to display the job log.\n\n"
            "Type 'done' and a job number to complete a job."
        ),
        "apology": "Sorry, it looks like something went wrong.",
    },
    "es": {
        "job_started": "Empezamos el trabajo {number}. Te avisaremos cuando esté terminado.",
        "job_completing": "Terminando el trabajo {number}.",
        "job_complete": "El trabajo {number} está terminado.",
        "job_already_complete": "El trabajo {number} ya estaba terminado.",
        "job_unknown": "El registro no contiene ningún trabajo {number}.",
        "job_number_missing": 'Escribe el número del trabajo después de "done".',
        "job_log_empty": "El registro de trabajos está vacío.",
        "job_log_header": "| Número de trabajo | Id. de conversación | Terminado |",
        "job_log_shortened": "No se muestran {count} trabajos anteriores.",
        "job_log_failed": (
            "Lo siento, ahora mismo no se puede leer ni escribir el registro de trabajos. "
            "Inténtalo de nuevo más tarde."
        ),
        "yes": "Sí",
        "no": "No",
        "welcome": "Te damos la bienvenida.",
        "welcome_by_name": "Te damos la bienvenida, {name}.",
        "jobs_help": (
            "Escribe 'run' o 'run job' para empezar un trabajo.\n\n"
            "Escribe 'show' o 'show jobs' para ver el registro de trabajos.\n\n"
            "Escribe 'done' y un número de trabajo para terminarlo."
        ),
        "apology": "Lo siento, parece que algo ha ido mal.",
    },
}

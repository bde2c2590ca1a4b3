"""What is asked for in a JSON body: read by hand, for better problems than FastAPI tells."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from recado.web.body import read_json_object
from recado.web.problems import invalid_fields

ModelT = TypeVar("ModelT", bound=BaseModel)


def body_of(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """The body of a route as the description of the API has it; for ``openapi_extra``."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": required, "content": content}}


async def asked(request: Request, model: type[ModelT]) -> ModelT:
    """The body of *request*.

    Raises:
        HttpProblem: it is not JSON, or not what is asked for.
    """
    return read_as(model, await read_json_object(request))


async def maybe_asked(request: Request, model: type[ModelT]) -> ModelT:
    """The same of a request that may have no body: then everything is as by default."""
    return await asked(request, model) if await request.body() else read_as(model, {})


def read_as(model: type[ModelT], given: dict[str, Any]) -> ModelT:
    """An object as what is asked for.

    Raises:
        HttpProblem: it is something else.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid_fields(error.errors(), given, known=list(model.model_fields)) from None

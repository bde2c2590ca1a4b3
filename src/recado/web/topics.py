"""``/api/v1/topics``: audiences that people subscribe to."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from recado.config import Settings
from recado.domain.topic import Subscription, Topic
from recado.topics import Topics
from recado.web.asked import asked, body_of, maybe_asked
from recado.web.auth import KeyCheck

Name = Annotated[str, Path(max_length=255, description="The topic's name, in any case.")]
After = Annotated[str | None, Query(max_length=255)]
Limit = Annotated[int, Query(ge=1, le=1000)]


class TopicRequest(BaseModel):
    """A topic that is to be made, or to get another title."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: str | None = Field(
        default=None, max_length=255, description="What it is about, for people."
    )


class SubscriberRequest(BaseModel):
    """Who is to subscribe, or to subscribe no more."""

    model_config = ConfigDict(extra="forbid", strict=True)

    who: str = Field(max_length=4096, description="`user:<id>` or `conversation:<id>`.")


class TopicOut(BaseModel):
    """One topic."""

    name: str
    title: str | None
    created_at: datetime
    subscribed: int | None

    @classmethod
    def of(cls, topic: Topic) -> TopicOut:
        return cls(
            name=topic.name,
            title=topic.title,
            created_at=topic.created_at,
            subscribed=topic.subscribed,
        )


class TopicPage(BaseModel):
    """A page of topics."""

    items: list[TopicOut]
    next: str | None = Field(description="Send this as `after` for the next page; null at the end.")


class SubscriptionOut(BaseModel):
    """One subscription."""

    reference_id: str
    since: datetime

    @classmethod
    def of(cls, subscription: Subscription) -> SubscriptionOut:
        return cls(reference_id=subscription.reference_id, since=subscription.since)


class SubscriptionPage(BaseModel):
    """A page of subscriptions."""

    items: list[SubscriptionOut]
    next: str | None = Field(description="Send this as `after` for the next page; null at the end.")


class Changed(BaseModel):
    """What became of it."""

    changed: bool = Field(description="False if it was so already.")


def topics_routes(topics: Topics, settings: Settings) -> APIRouter:
    """Topics over HTTP. To publish is ``POST /api/notify`` to ``topic:<name>``."""
    router = APIRouter(
        prefix="/api/v1/topics", tags=["topics"], dependencies=[Depends(KeyCheck(settings))]
    )

    @router.get("", summary="The topics, by name")
    async def page(after: After = None, limit: Limit = 100) -> TopicPage:
        found = await topics.page(after=after, limit=limit)
        return TopicPage(items=[TopicOut.of(each) for each in found.items], next=found.next)

    @router.get("/{name}", summary="A topic")
    async def get(name: Name) -> TopicOut:
        return TopicOut.of(await topics.get(name))

    @router.put("/{name}", summary="Make a topic", openapi_extra=body_of(TopicRequest))
    async def create(request: Request, name: Name) -> TopicOut:
        """Safe to repeat; a topic there is keeps its subscribers."""
        wanted = await maybe_asked(request, TopicRequest)
        return TopicOut.of(await topics.create(name, title=wanted.title))

    @router.delete("/{name}", summary="Remove a topic and its subscriptions", status_code=204)
    async def remove(name: Name) -> None:
        await topics.remove(name)

    @router.get("/{name}/subscribers", summary="Who subscribes to a topic")
    async def subscribers(name: Name, after: After = None, limit: Limit = 100) -> SubscriptionPage:
        found = await topics.subscribers(name, after=after, limit=limit)
        items = [SubscriptionOut.of(each) for each in found.items]
        return SubscriptionPage(items=items, next=found.next)

    @router.post(
        "/{name}/subscribe", summary="Subscribe somebody", openapi_extra=body_of(SubscriberRequest)
    )
    async def subscribe(request: Request, name: Name) -> Changed:
        wanted = await asked(request, SubscriberRequest)
        return Changed(changed=await topics.subscribe(name, wanted.who))

    @router.post(
        "/{name}/unsubscribe",
        summary="End somebody's subscription",
        openapi_extra=body_of(SubscriberRequest),
    )
    async def unsubscribe(request: Request, name: Name) -> Changed:
        wanted = await asked(request, SubscriberRequest)
        return Changed(changed=await topics.unsubscribe(name, wanted.who))

    return router

"""What a request to the outbox is answered with if it cannot be done (RFC 9457)."""

import json

from aiohttp import web
from aiohttp.typedefs import Handler

from proxy.errors import OutboxUnavailable
from proxy.outbox.store import MessageBusy, MessageUnknown


class OutboxProblem(Exception):
    """Says what is wrong with a request; `code` is stable, both texts are for people."""

    def __init__(self, status: int, code: str, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.title, self.detail = status, code, title, detail

    def answer(self) -> web.Response:
        """Returns the answer."""
        told = {"title": self.title, "status": self.status, "detail": self.detail, "code": self.code}
        return web.Response(
            status=self.status, body=json.dumps(told).encode() + b"\n", content_type="application/problem+json"
        )


class MalformedQuery(OutboxProblem):
    """The query of the URL cannot be understood."""

    def __init__(self, detail: str) -> None:
        super().__init__(400, "query_malformed", "The query is malformed", detail)


class UnknownRoute(OutboxProblem):
    """No route with an outbox has this name, and nothing is kept for one."""

    def __init__(self, route: str) -> None:
        detail = f"No route {route} has an outbox, and no messages of such a route are kept."
        super().__init__(404, "route_unknown", "There is no such outbox", detail)


def answered(handler: Handler) -> Handler:
    """Returns the handler with answers for what the store raises."""

    async def answering(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except OutboxProblem as problem:
            return problem.answer()
        except MessageUnknown as error:
            return OutboxProblem(404, "message_unknown", "There is no such message", str(error)).answer()
        except MessageBusy as error:
            return OutboxProblem(409, "message_busy", "The message is being delivered", str(error)).answer()
        except OutboxUnavailable as error:
            answer = OutboxProblem(error.status, error.code, error.title, error.detail).answer()
            answer.headers["Retry-After"] = str(error.retry_after or 1)
            return answer
        except ValueError as error:  # what is stored was changed, or belongs to a key that has gone
            return OutboxProblem(500, "content_unreadable", "The message cannot be read", str(error)).answer()

    return answering

"""One route for all methods of a path, so that `Allow` names each of them (RFC 9110 15.5.6)."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Endpoint = Callable[[Request], Awaitable[Response]]


def by_method(path: str, endpoints: Mapping[str, Endpoint]) -> Route:
    """A route that asks the endpoint of a request's method; HEAD is answered as GET is."""

    async def answer(request: Request) -> Response:
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, answer, methods=list(endpoints))

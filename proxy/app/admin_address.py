"""The site of the admin address, and its token."""

from functools import partial
from typing import TYPE_CHECKING

from proxy.app.extension import AppExtension
from proxy.app.process_resources import ProcessResources
from proxy.config.file_threads import FileThreads
from proxy.config.model import Admin, Configuration
from proxy.server import sockets
from proxy.store.place import store_folder

if TYPE_CHECKING:
    from proxy.admin.admin_token import AdminToken
    from proxy.admin.site import AdminSite
    from proxy.admin.state import ObservedProxy


def new_site(
    proxy: "ObservedProxy", extension: AppExtension | None, settings: Admin, token: "AdminToken"
) -> "AdminSite":
    """Returns the site of the admin address; `open_site` starts it."""
    from proxy.admin.site import AdminSite  # noqa: PLC0415 - loads aiohttp's server

    return AdminSite(proxy, settings, token, extend=extension.add_to if extension else None)


async def open_site(site: "AdminSite") -> None:
    """Starts it; OSError if its address is not available, FileHangs if its name is not resolved in time."""
    address = site.settings.address
    with sockets.named("admin", address):
        bound = await FileThreads().run(partial(sockets.listening, address), late=sockets.close)
        await site.start(bound)


def kept_token(
    configuration: Configuration, resources: ProcessResources, site: "AdminSite | None" = None
) -> "AdminToken":
    """Keeps the token of the site, unless address or file change. Reads the file."""
    from proxy.admin.admin_token import admin_token  # noqa: PLC0415 - loads aiohttp's server

    settings, environ = configuration.admin, resources.environ
    if site and (settings.address, settings.token_file) == (site.settings.address, site.settings.token_file):
        return site.token
    return admin_token(settings, environ, resources.log.logger, store=store_folder(configuration, environ))

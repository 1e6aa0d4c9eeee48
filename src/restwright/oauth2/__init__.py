"""OAuth2 and OpenID logins: client credentials, device, browser; refresh, revocation, and where tokens are kept."""

from restwright.oauth2.device import DeviceAuthorization
from restwright.oauth2.file_store import FileStore
from restwright.oauth2.keeper import TokenKeeper
from restwright.oauth2.keyring_store import KeyringStore
from restwright.oauth2.login import OAuth2
from restwright.oauth2.metadata import ProviderMetadata, discover
from restwright.oauth2.policy import bearer_token
from restwright.oauth2.store import MemoryStore, TokenStore
from restwright.oauth2.terminal import open_browser, show_code
from restwright.oauth2.tokens import TokenSet

__all__ = [
    "DeviceAuthorization",
    "FileStore",
    "KeyringStore",
    "MemoryStore",
    "OAuth2",
    "ProviderMetadata",
    "TokenKeeper",
    "TokenSet",
    "TokenStore",
    "bearer_token",
    "discover",
    "open_browser",
    "show_code",
]

"""A client for Keystone, a service that keeps the allocations of a computing centre; blocking and awaited."""

from keystone_client.batch import BatchFailed
from keystone_client.client import AsyncKeystoneClient, KeystoneClient
from keystone_client.http import AsyncHTTPClient, HTTPClient

__all__ = ["AsyncHTTPClient", "AsyncKeystoneClient", "BatchFailed", "HTTPClient", "KeystoneClient"]

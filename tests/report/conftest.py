"""The stores of the tests of the storage."""

from tests.storage.conftest import empty_store, store, study, url

__all__ = ["empty_store", "store", "study", "url"]

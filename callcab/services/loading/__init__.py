"""Tables that support loads: numbers of the pool, promo codes of a batch, customers."""

from callcab.services.loading.table import KNOWN, Columns, Field, Guess, Row, Table, check_columns, get, guess, titled

__all__ = ["KNOWN", "Columns", "Field", "Guess", "Row", "Table", "check_columns", "get", "guess", "titled"]

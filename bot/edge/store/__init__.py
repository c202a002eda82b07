"""The book: what was seen, what it meant, what channels are owed. SQLite, one bot, one transaction per stroke.

``book`` is the Store; ``stroke`` writes one stroke; ``database`` opens the file and turns failures into StoreErrors;
``keys`` is who may write by HTTP; ``rows`` turns rows into nouns and back; ``migrations`` is the schema.
"""

from bot.edge.store.book import Owed, Store
from bot.edge.store.keys import Token

__all__ = ["Owed", "Store", "Token"]

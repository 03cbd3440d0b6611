"""The offline rules engine. Import `RulesEngine`, `KeywordTables` and `Phrases` from here."""

from domain.rules.engine import RulesEngine
from domain.rules.keywords import KeywordTables
from domain.rules.phrases import Phrases

__all__ = ["KeywordTables", "Phrases", "RulesEngine"]

"""What a plug-in has to satisfy, as plain functions: tests walk what is shipped with them, `check` what a user brings."""

from contracts.base import Check, ContractError, NotApplicable, Outcome, examine

__all__ = ["Check", "ContractError", "NotApplicable", "Outcome", "examine"]

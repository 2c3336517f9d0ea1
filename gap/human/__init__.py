"""Human against robot: what a person did, beside what the robot makes of it."""

from gap.human.adjustments import Adjustments, Kept, adjustments
from gap.human.compare import ForceGap, HumanGap, ObjectGap, compare_with_person
from gap.human.contacts import Contact, ContactGap, contact_gap
from gap.human.recording import Recording, recording_of
from gap.human.table import human_table

__all__ = [
    "Adjustments",
    "Contact",
    "ContactGap",
    "ForceGap",
    "HumanGap",
    "Kept",
    "ObjectGap",
    "Recording",
    "adjustments",
    "compare_with_person",
    "contact_gap",
    "human_table",
    "recording_of",
]

"""People in bulk: profiles from words, and lists of readers in and out, in our columns and those of other systems."""

from digest.audience.exporting import (
    Confirmed,
    CsvForm,
    export_archive,
    export_json,
    list_people,
    subscriber_to_json,
)
from digest.audience.importing import SubscriberImport, import_subscribers
from digest.audience.report import SubscriberReport
from digest.audience.shapes import SHAPES
from digest.audience.wishes import Wishes, add_newsletters, make_profile

__all__ = [
    "SHAPES",
    "Confirmed",
    "CsvForm",
    "SubscriberImport",
    "SubscriberReport",
    "Wishes",
    "add_newsletters",
    "export_archive",
    "export_json",
    "import_subscribers",
    "list_people",
    "make_profile",
    "subscriber_to_json",
]

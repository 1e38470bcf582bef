"""The list of recordings."""

import sqlalchemy as sa

from callcab.models import AudioRecording, Campaign, StoredFile
from callcab.services.listing import DateTimeRange, ListSpec, ReferenceFilter, Related, Sort, register
from callcab.services.specs.customer import named


def campaigns_count() -> sa.ScalarSelect[int]:
    """How many campaigns play a recording, without test calls."""
    return (
        sa.select(sa.func.count())
        .select_from(Campaign)
        .where(Campaign.recording_id == AudioRecording.id, Campaign.test_of.is_(None))
        .correlate(AudioRecording)
        .scalar_subquery()
    )


AUDIO_RECORDING = register(
    ListSpec(
        name="audio_recording",
        model=AudioRecording,
        sorts={"created_at": Sort(AudioRecording.created_at)},
        default_sort="-created_at",
        filters=(
            DateTimeRange("created", AudioRecording.created_at),
            ReferenceFilter("customer", AudioRecording.customer_id),
        ),
        search=lambda text: AudioRecording.name.icontains(text, autoescape=True),
        related=lambda: [
            named(AudioRecording.customer),
            Related(AudioRecording.file, [StoredFile.name, StoredFile.size]),
        ],
        computed=lambda: {"campaigns_count": campaigns_count()},
    )
)

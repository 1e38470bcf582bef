"""support's index of reversed numbers begins with the segment of an entry, so that an import writes to the last one."""

from callcab import online

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TABLE = "blacklist_entry"


def upgrade() -> None:
    online.index(f"ix_{TABLE}_segment_phone_reversed", TABLE, ["(id >> 22)", "phone_reversed"])
    online.drop_index(f"ix_{TABLE}_phone_reversed")


def downgrade() -> None:
    online.index(f"ix_{TABLE}_phone_reversed", TABLE, ["phone_reversed"])
    online.drop_index(f"ix_{TABLE}_segment_phone_reversed")

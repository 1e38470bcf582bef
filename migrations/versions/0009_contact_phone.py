"""find a contact by its number alone."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_contact_phone", "contact", ["phone"])


def downgrade() -> None:
    op.drop_index("ix_contact_phone", table_name="contact")

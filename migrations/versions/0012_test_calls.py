"""campaigns of a single test call to oneself."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign", sa.Column("test_of", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_campaign_test_of"), "campaign", "campaign", ["test_of"], ["id"])
    op.create_index("ix_campaign_test_of", "campaign", ["test_of"], postgresql_where=sa.text("test_of IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("ix_campaign_test_of", "campaign")
    op.drop_constraint(op.f("fk_campaign_test_of"), "campaign", type_="foreignkey")
    op.drop_column("campaign", "test_of")

"""who holds a session is one question to the database."""

from alembic import op

from callcab import policies

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    policies.create_session_holder()


def downgrade() -> None:
    op.execute("DROP FUNCTION session_holder(text, timestamptz, inet)")

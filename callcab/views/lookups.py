"""What filters by a reference suggest, and how they call what was chosen."""

from callcab.models import Campaign, ContactList, Customer, PromoBatch, Tariff, User
from callcab.services.listing import Lookup

CUSTOMERS = Lookup(Customer)
CAMPAIGNS = Lookup(Campaign, newest=True)
CONTACT_LISTS = Lookup(ContactList, newest=True)
PROMO_BATCHES = Lookup(PromoBatch, newest=True)
TARIFFS = Lookup(Tariff)
# People of support.
MANAGERS = Lookup(User, only=lambda: User.customer_id.is_(None))

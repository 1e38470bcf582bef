"""One module per list: columns, filters and search of an entity, registered by name (``callcab.services.listing``)."""

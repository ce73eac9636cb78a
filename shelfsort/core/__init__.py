"""The ground floor: errors, progress, cost, storage. Nothing here knows a product."""

"""What a labelling job will cost, before it is paid for."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Estimate:
    """The cost of asking about every product once.

    Attributes:
        products: number of products.
        workers: number of people who are asked about each.
        price: paid for one answer.
        fee: of the service for each product.
    """

    products: int
    workers: int
    price: Decimal
    fee: Decimal

    @property
    def answers(self) -> Decimal:
        """Paid to workers."""
        return self.products * self.workers * self.price

    @property
    def fees(self) -> Decimal:
        """Paid to the service."""
        return self.products * self.fee

    @property
    def total(self) -> Decimal:
        """Both."""
        return self.answers + self.fees

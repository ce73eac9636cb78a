"""The demo's category tree: two levels, twelve leaves, and which leaf is taken for which."""

from dataclasses import dataclass

ROOT_ID, ROOT_NAME = "main", "Main"


@dataclass(frozen=True, slots=True)
class Shelf:
    """One leaf category.

    Attributes:
        id: what the taxonomy and the models call it.
        name: what a shopper reads.
        department: name of its parent.
        lookalike: id of the sibling that people mistake it for.
        price: the typical price, in the shop's currency.
    """

    id: str
    name: str
    department: str
    lookalike: str
    price: float

    @property
    def path(self) -> str:
        return f"{self.department} > {self.name}"


SHELVES = (
    Shelf("mugs", "Mugs", "Kitchen", "bowls", 12.0),
    Shelf("bowls", "Bowls", "Kitchen", "mugs", 15.0),
    Shelf("teapots", "Teapots", "Kitchen", "mugs", 34.0),
    Shelf("chairs", "Chairs", "Furniture", "stools", 95.0),
    Shelf("stools", "Stools", "Furniture", "chairs", 60.0),
    Shelf("lamps", "Lamps", "Furniture", "stools", 48.0),
    Shelf("t-shirts", "T-Shirts", "Clothing", "jackets", 18.0),
    Shelf("jackets", "Jackets", "Clothing", "t-shirts", 88.0),
    Shelf("dresses", "Dresses", "Clothing", "t-shirts", 64.0),
    Shelf("boots", "Boots", "Footwear", "sneakers", 110.0),
    Shelf("sneakers", "Sneakers", "Footwear", "boots", 75.0),
    Shelf("sandals", "Sandals", "Footwear", "sneakers", 42.0),
)
BY_ID = {shelf.id: shelf for shelf in SHELVES}


def siblings(shelf: Shelf) -> list[Shelf]:
    """Returns the other leaves of the same department, in the tree's order."""
    return [
        other for other in SHELVES if other.department == shelf.department and other.id != shelf.id
    ]


def taxonomy_nodes() -> list[dict]:
    """Returns the tree in the taxonomy file's form: the root, then each department and its leaves.

    Each node is `{"id", "name", "subcategories": [ids], "parent"}`; the root has no parent.
    """
    departments = list(dict.fromkeys(shelf.department for shelf in SHELVES))
    nodes = [
        {
            "id": ROOT_ID,
            "name": ROOT_NAME,
            "subcategories": [department.lower() for department in departments],
        }
    ]
    for department in departments:
        leaves = [shelf for shelf in SHELVES if shelf.department == department]
        nodes.append(
            {
                "id": department.lower(),
                "name": department,
                "subcategories": [leaf.id for leaf in leaves],
                "parent": ROOT_ID,
            }
        )
        nodes.extend(
            {"id": leaf.id, "name": leaf.name, "subcategories": [], "parent": department.lower()}
            for leaf in leaves
        )
    return nodes

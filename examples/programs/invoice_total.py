"""Total an invoice in whole cents from (description, unit price, quantity) lines, each with an
optional discount in percent as its fourth item. Round each discount, and the tax on the whole,
to the nearest cent, halves up; return a dictionary with `net`, `tax` and `gross`."""

from dataclasses import dataclass


def percent_of(cents: int, percent: int) -> int:
    return (cents * percent + 50) // 100


@dataclass(frozen=True)
class InvoiceLine:
    description: str
    unit_price: int
    quantity: int
    discount: int = 0

    @property
    def total(self) -> int:
        full_price = self.unit_price * self.quantity
        return full_price - percent_of(full_price, self.discount)


def invoice_total(lines: list[tuple], tax_percent: int) -> dict[str, int]:
    net = 0
    for line in lines:
        net += InvoiceLine(*line).total
    tax = percent_of(net, tax_percent)
    return {"net": net, "tax": tax, "gross": net + tax}


if __name__ == "__main__":
    assert invoice_total([("pen", 150, 3)], 20) == {"net": 450, "tax": 90, "gross": 540}
    assert invoice_total([("ink", 333, 1, 10), ("pad", 200, 2)], 7) == {
        "net": 700,
        "tax": 49,
        "gross": 749,
    }
    invoice_total([("desk", 9999, 1, 15), ("lamp", 2550, 2, 5)], 19)

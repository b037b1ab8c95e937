"""Published models held to the packages that have them, called as they are, with drawn weights or with their own."""

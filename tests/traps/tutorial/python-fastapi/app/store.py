items: list = []

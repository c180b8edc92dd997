def measure(effort): return []
def table(x): return ""

print("zocod")

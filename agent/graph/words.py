"""What is written into the picture, in Chinese and English."""

CARRIERS = {
    "electricity": "电 electricity",
    "heat": "热 heat",
    "steam": "蒸汽 steam",
    "cooling": "冷 cooling",
    "compressed_air": "压缩空气 compressed air",
    "natural_gas": "天然气 natural gas",
    "hydrogen": "氢 hydrogen",
    "biogas": "沼气 biogas",
    "water": "水 water",
    "diesel": "柴油 diesel",
    "refrigerant": "制冷剂 refrigerant",
    "co2": "二氧化碳 CO2",
    "product": "产品 product",
}

KINDS = {
    "bought": "外购 bought",
    "own": "自产 own",
    "fuel": "燃料 fuel",
    "generic": "过程 process",
    "feeder": "馈线 feeder",
    "transformer": "变压器 transformer",
    "boiler": "锅炉 boiler",
    "chp": "热电联产 CHP",
    "compressor": "空压机 compressor",
    "chiller": "制冷机 chiller",
    "storage": "储能 storage",
    "load": "负荷 load",
    "line": "产线 line",
    "machine": "设备 machine",
    "shared": "公用 shared",
    "export": "外送 export",
    "loss": "损耗 loss",
    "remainder": "其余 remainder",
}

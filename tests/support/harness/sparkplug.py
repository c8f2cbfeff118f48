"""Sparkplug B read by protobuf's own runtime.

The numbers and types of the fields are those of Eclipse Sparkplug 3.0.0, 6.4; only
what a node of ours may write is there, and the runtime keeps the rest apart.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

FIELD = descriptor_pb2.FieldDescriptorProto
TYPES = {
    "double": FIELD.TYPE_DOUBLE,
    "float": FIELD.TYPE_FLOAT,
    "uint32": FIELD.TYPE_UINT32,
    "uint64": FIELD.TYPE_UINT64,
    "bool": FIELD.TYPE_BOOL,
    "string": FIELD.TYPE_STRING,
}
MESSAGES = {
    "PropertyValue": [
        (1, "type", "uint32"), (2, "is_null", "bool"), (8, "string_value", "string"),
    ],
    "PropertySet": [(1, "keys", "string*"), (2, "values", "PropertyValue*")],
    "Metric": [
        (1, "name", "string"), (2, "alias", "uint64"), (3, "timestamp", "uint64"),
        (4, "datatype", "uint32"), (7, "is_null", "bool"),
        (9, "properties", "PropertySet"), (11, "long_value", "uint64"),
        (13, "double_value", "double"), (14, "boolean_value", "bool"),
    ],
    "Payload": [
        (1, "timestamp", "uint64"), (2, "metrics", "Metric*"), (3, "seq", "uint64"),
    ],
}  # fmt: skip


def _payload_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="spb.proto", package="spb")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field, kind in fields:
            repeated, plain = kind.endswith("*"), kind.rstrip("*")
            label = FIELD.LABEL_REPEATED if repeated else FIELD.LABEL_OPTIONAL
            made = message.field.add(name=field, number=number, label=label)
            if plain in TYPES:
                made.type = TYPES[plain]
            else:
                made.type, made.type_name = FIELD.TYPE_MESSAGE, f".spb.{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName("spb.Payload")
    return message_factory.GetMessageClass(found)


#: The message, as protobuf makes it.
Payload = _payload_class()


def read(data: bytes) -> Any:
    """Return a payload; every byte of it must be of a field that is known."""
    message = Payload.FromString(data)
    assert message.ByteSize() == len(data)
    known = Payload.FromString(data)
    known.DiscardUnknownFields()
    assert known == message
    return message

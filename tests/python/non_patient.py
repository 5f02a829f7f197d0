"""Objects that are of no patient, stored, found and retrieved by pynetdicom.

Usage: non_patient.py HOST PORT DESTINATION_PORT. DESTINATION_PORT is where the device named RECEIVER listens.
"""

import sys

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, build_role, evt
from pynetdicom import sop_class as known

from requestor import only_asks

host, port, destination = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
# Storage, and how the models are called.
KINDS = {
    "HangingProtocolStorage": "HangingProtocolInformationModel",
    "ColorPaletteStorage": "ColorPaletteInformationModel",
    "GenericImplantTemplateStorage": "GenericImplantTemplateInformationModel",
    "ImplantAssemblyTemplateStorage": "ImplantAssemblyTemplateInformationModel",
    "ImplantTemplateGroupStorage": "ImplantTemplateGroupInformationModel",
    "CTDefinedProcedureProtocolStorage": "DefinedProcedureProtocolInformationModel",
    "ProtocolApprovalStorage": "ProtocolApprovalInformationModel",
}


def code(value, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def hanging_protocol(name, modalities):
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.HangingProtocolName, dataset.HangingProtocolLevel = name, "SITE"
    dataset.HangingProtocolCreator, dataset.HangingProtocolCreationDateTime = "Khoa CĐHA", "20260105083000"
    dataset.NumberOfPriorsReferenced = 1
    dataset.HangingProtocolDefinitionSequence = []
    for modality, laterality in modalities:
        item = Dataset()
        item.Modality, item.Laterality = modality, laterality
        item.AnatomicRegionSequence = [code("76752008", "Breast")]
        dataset.HangingProtocolDefinitionSequence.append(item)
    return dataset


def sent_as(sop_class, dataset):
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, generate_uid()
    return dataset


received, moved = {}, {}


def keep(into):
    def on_store(event):
        into[event.request.AffectedSOPInstanceUID] = event.dataset
        return 0x0000

    return [(evt.EVT_C_STORE, on_store)]


storage = {name: getattr(known, name) for name in KINDS}
receiver = AE(ae_title="RECEIVER")
for sop_class in storage.values():
    receiver.add_supported_context(sop_class, ExplicitVRLittleEndian)
server = receiver.start_server(("127.0.0.1", destination), block=False, evt_handlers=keep(moved))

for name, prefix in KINDS.items():
    find, move, get = (getattr(known, prefix + operation) for operation in ("Find", "Move", "Get"))
    if name == "HangingProtocolStorage":
        objects = [
            hanging_protocol("Nhũ ảnh bốn hình", [("MG", "L"), ("MG", "R")]),
            hanging_protocol("CT ngực và ca cũ", [("CT", "")]),
        ]
    else:
        objects = [Dataset(), Dataset()]
        for number, dataset in enumerate(objects):
            dataset.ContentLabel, dataset.InstanceNumber = f"{name[:10].upper()}_{number}", number
    objects = [sent_as(storage[name], dataset) for dataset in objects]
    by_uid = {dataset.SOPInstanceUID: dataset for dataset in objects}

    ae = AE(ae_title="PYNETDICOM")
    for model in (find, move, get):
        ae.add_requested_context(model)
    ae.add_requested_context(storage[name], ExplicitVRLittleEndian)
    roles = [build_role(storage[name], scp_role=True, scu_role=True)]
    association = only_asks(ae.associate(host, port, ae_title="SEN", ext_neg=roles, evt_handlers=keep(received)))
    assert association.is_established, "no association"
    assert len(association.accepted_contexts) == 4, (name, association.accepted_contexts)
    for dataset in [*objects, objects[0]]:
        assert association.send_c_store(dataset).Status == 0x0000, name

    def found(**keys):
        identifier = Dataset()
        identifier.SpecificCharacterSet = "ISO_IR 192"
        identifier.SOPClassUID, identifier.SOPInstanceUID = storage[name], ""
        for keyword, value in keys.items():
            setattr(identifier, keyword, value)
        answers = list(association.send_c_find(identifier, find))
        assert answers[-1][0].Status == 0x0000, (name, keys, answers[-1])
        return [answer for _, answer in answers if answer]

    assert {answer.SOPInstanceUID for answer in found()} == by_uid.keys(), name
    if name == "HangingProtocolStorage":
        item = Dataset()
        item.Modality, item.Laterality = "MG", "R"
        answers = found(HangingProtocolDefinitionSequence=[item], HangingProtocolName="", NumberOfPriorsReferenced=None)
        assert [answer.HangingProtocolName for answer in answers] == ["Nhũ ảnh bốn hình"], answers
        assert answers[0].NumberOfPriorsReferenced == 1
        item.Laterality, item.Modality = "R", "CT"
        assert not found(HangingProtocolDefinitionSequence=[item])
        assert len(found(HangingProtocolName="*ca cũ", HangingProtocolCreationDateTime="2026-")) == 1
    else:
        assert len(found(ContentLabel="*_1")) == 1, name

    wanted = Dataset()
    wanted.SOPInstanceUID = list(by_uid)
    for retrieve, into in (
        (lambda: association.send_c_get(wanted, get), received),
        (lambda: association.send_c_move(wanted, "RECEIVER", move), moved),
    ):
        final = list(retrieve())[-1][0]
        assert (final.Status, final.NumberOfCompletedSuboperations) == (0x0000, 2), (name, final)
        assert into.keys() == by_uid.keys(), name
        for uid, dataset in by_uid.items():
            assert into[uid] == dataset, (name, into[uid])
        into.clear()
    wanted.SOPInstanceUID = ""
    assert list(association.send_c_get(wanted, get))[-1][0].Status == 0xA900, name
    association.release()

server.shutdown()

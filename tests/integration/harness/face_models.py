"""Models of the form of YuNet 2022mar and SFace that know no faces: the one finds white and red noses of a certain size,
the other averages blocks. They go the whole way through OpenCV; what they say about people is nothing."""

import math

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

CANVAS = 640  # the one size that the program asks its detector about
SIDES = {8: 3, 16: 2, 32: 2, 64: 3}  # boxes for each cell of so many pixels, as OpenCV 4.6 reads them
WHITE, RED = 0, 1


def constant(name, values, kind=numpy.float32):
    return numpy_helper.from_array(numpy.asarray(values, dtype=kind), name)


def convolution(inputs, outputs):
    """Of single pixels. OpenCV 4.6 does not take the kernel's size from its weights."""
    return helper.make_node("Conv", inputs, outputs, kernel_shape=[1, 1])


def write(path, nodes, shape, outputs, constants):
    graph = helper.make_graph(nodes, "drawn", [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in outputs],
                              constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], producer_name="onshi tests")
    model.ir_version = 7
    onnx.save(model, str(path))


def box(prior, scale):
    """The 14 numbers of a face of this scale about its nose, for a prior of so many pixels."""
    unit = 0.1 * prior

    def at(x, y):
        return [x * scale / unit, y * scale / unit]

    size = [math.log(264 * scale / prior) / 0.1, math.log(320 * scale / prior) / 0.2]
    return [*at(0, 10), *size, *at(-60, -40), *at(60, -40), *at(0, 0), *at(-40, 60), *at(40, 60)]


def write_detector(path, boxes_of=SIDES):
    """`boxes_of` other than OpenCV's gives a model whose answer is too short."""
    nodes, constants, parts = [], [], {"loc": [], "conf": [], "iou": []}
    constants += [constant("colours", [[[[1 / 3]], [[1 / 3]], [[1 / 3]]], [[[-0.5]], [[-0.5]], [[1]]]]),
                  constant("darker", [-215, -120])]
    nodes += [convolution(["input", "colours", "darker"], ["bright"]),
              helper.make_node("Relu", ["bright"], ["noses"])]
    for step, priors in boxes_of.items():
        kernel, pad = (16, 4) if step == 8 else (step, 0)
        nodes.append(helper.make_node("AveragePool", ["noses"], [f"pool{step}"], kernel_shape=[kernel] * 2,
                                      strides=[step] * 2, pads=[pad] * 4))
        for what, width in (("loc", 14), ("conf", 2), ("iou", 1)):
            weights = numpy.zeros((priors * width, 2, 1, 1))
            bias = numpy.zeros(priors * width)
            if step == 8 and what == "loc":
                bias[:28] = box(10, 1) + box(16, 0.5)
            if step == 8 and what == "conf":
                weights[1, WHITE] = 1 / 40
                weights[3, RED] = 1 / 135
            if what == "iou":
                bias += 1
            name = f"{what}{step}"
            constants += [constant(name + "w", weights), constant(name + "b", bias),
                          constant(name + "s", [1, -1, width], numpy.int64)]
            nodes += [convolution([f"pool{step}", name + "w", name + "b"], [name + "c"]),
                      helper.make_node("Transpose", [name + "c"], [name + "t"], perm=[0, 2, 3, 1]),
                      helper.make_node("Reshape", [name + "t", name + "s"], [name])]
            parts[what].append(name)
    nodes += [helper.make_node("Concat", names, [what], axis=1) for what, names in parts.items()]
    boxes = sum((CANVAS // step) ** 2 * priors for step, priors in boxes_of.items())
    write(path, nodes, [1, 3, CANVAS, CANVAS], [("loc", [1, boxes, 14]), ("conf", [1, boxes, 2]), ("iou", [1, boxes, 1])],
          constants)


def write_recognizer(path):
    constants = [constant("grey", [[[[0.299]], [[0.587]], [[0.114]]]]), constant("middle", [-115]),
                 constant("shape", [1, 128], numpy.int64)]
    nodes = [convolution(["input", "grey", "middle"], ["brightness"]),
             helper.make_node("AveragePool", ["brightness"], ["blocks"], kernel_shape=[14, 7], strides=[14, 7]),
             helper.make_node("Reshape", ["blocks", "shape"], ["feature"])]
    write(path, nodes, [1, 3, 112, 112], [("feature", [1, 128])], constants)

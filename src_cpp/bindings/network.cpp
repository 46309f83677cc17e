#include "hpe/network.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/bindings.hpp"
#include "bindings/boxes.hpp"
#include "bindings/images.hpp"
#include "model/parallel_model.hpp"
#include "model/workers.hpp"

namespace py = pybind11;

namespace hpe::bindings {
namespace {

// A network of a file of its own, or that of a model, which then lives as long.
class PyNetwork {
  public:
    PyNetwork(std::shared_ptr<const Network> network, int threads) : network_(std::move(network)), workers_(threads) {
        for (const TensorInfo& info : network_->outputs()) names_.emplace_back(info.name);
    }

    [[nodiscard]] const Network& network() const { return *network_; }

    py::dict run(py::handle batch) {
        const auto input = require_batch(batch);
        const py::ssize_t count = input.shape(0);
        py::dict result;
        std::vector<std::span<float>> outputs;
        outputs.reserve(names_.size());
        for (std::size_t i = 0; i < names_.size(); ++i) {
            const std::vector<int>& lengths = network_->outputs()[i].shape;
            std::vector<py::ssize_t> shape(lengths.size() + 1, count);
            std::copy(lengths.begin(), lengths.end(), shape.begin() + 1);
            py::array_t<float> array(std::move(shape));
            outputs.push_back(view(array));
            result[names_[i]] = std::move(array);
        }
        {
            const py::gil_scoped_release unlocked;
            run_all(view(input), static_cast<std::size_t>(count), outputs);
        }
        return result;
    }

  private:
    DenseArray<float> require_batch(py::handle batch) const {
        const std::vector<int>& shape = network_->input().shape;
        if (shape.size() != 3) {
            throw Error(ErrorKind::InvalidArgument,
                        "network: expected an input of rank 3, got rank " + std::to_string(shape.size()));
        }
        return require_array<float>(batch, "batch", {"N", shape[0], shape[1], shape[2]});
    }

    void run_all(std::span<const float> input, std::size_t images, const std::vector<std::span<float>>& outputs) {
        workers_.share(
            images, [&] { return Network::Workspace(*network_); },
            [&](std::size_t i, Network::Workspace& workspace) {
                const auto part = [&](auto all) { return all.subspan(i * (all.size() / images), all.size() / images); };
                std::vector<std::span<float>> parts;
                parts.reserve(outputs.size());
                for (const std::span<float> output : outputs) parts.push_back(part(output));
                network_->run(part(input), parts, workspace);
            });
    }

    std::shared_ptr<const Network> network_;
    std::vector<py::str> names_;  // of the outputs
    model::Workers<Network::Workspace> workers_;
};

class PyModel {
  public:
    PyModel(const std::string& card, const std::string& network, int threads)
        : model_(std::make_shared<model::ParallelModel>(card, std::as_bytes(std::span(network)), active_isa(), threads)),
          threads_(threads) {}

    [[nodiscard]] std::unique_ptr<PyNetwork> network() const {
        return std::make_unique<PyNetwork>(std::shared_ptr<const Network>(model_, &model_->model().network()), threads_);
    }

    py::tuple estimate(py::handle image, py::handle boxes_xyxy, const std::string& pixel_format) {
        const ImageView frame = image_view(image, parse_pixel_format(pixel_format));
        const std::vector<Box> boxes = copy_boxes(boxes_xyxy);
        std::vector<HeadAngles> heads(boxes.size());
        {
            const py::gil_scoped_release unlocked;
            model_->run(frame, boxes, heads);
        }
        const auto count = static_cast<py::ssize_t>(heads.size());
        py::array_t<float> euler_deg({count, py::ssize_t{3}});
        py::array_t<float> std_deg({count, py::ssize_t{3}});
        for (std::size_t i = 0; i < heads.size(); ++i) {
            std::copy_n(heads[i].euler_deg, 3, euler_deg.mutable_data() + 3 * i);
            std::copy_n(heads[i].std_deg, 3, std_deg.mutable_data() + 3 * i);
        }
        return py::make_tuple(euler_deg, std_deg);
    }

  private:
    std::shared_ptr<model::ParallelModel> model_;
    int threads_;
};

py::dict shapes(const std::vector<TensorInfo>& tensors) {
    py::dict result;
    for (const TensorInfo& tensor : tensors) result[py::str(tensor.name)] = py::tuple(py::cast(tensor.shape));
    return result;
}

std::vector<std::pair<std::string, double>> profile(const PyNetwork& self, int repeats) {
    std::vector<std::pair<std::string, double>> times;
    for (const Network::StepTime& step : self.network().profile(repeats)) times.emplace_back(step.name, step.median_us);
    return times;
}

}  // namespace

void register_network(py::module_& module) {
    // an ordinary type, for it has no static properties: the stub says the same
    py::class_<PyNetwork>(module, "Network", py::metaclass(reinterpret_cast<PyObject*>(&PyType_Type)),
                          "A network file, planned for this machine.")
        .def(py::init([](const py::bytes& file, int threads, std::optional<std::pair<int, int>> input_size) {
                 const std::string bytes = file;
                 std::optional<InputSize> size;
                 if (input_size) size = InputSize{input_size->first, input_size->second};
                 auto network = std::make_shared<const Network>(std::as_bytes(std::span(bytes)), active_isa(), size);
                 return std::make_unique<PyNetwork>(std::move(network), threads);
             }),
             py::arg("file"), py::arg("threads") = 1, py::kw_only(), py::arg("input_size") = std::nullopt)
        .def("run", &PyNetwork::run, py::arg("batch"), "Raw outputs by name: float32 (N, ...).")
        .def("profile", &profile, py::arg("repeats"), py::call_guard<py::gil_scoped_release>(),
             "Name and median microseconds of every step.")
        .def_property_readonly("input_name", [](const PyNetwork& self) { return self.network().input().name; })
        .def_property_readonly("input_shape",
                               [](const PyNetwork& self) { return py::tuple(py::cast(self.network().input().shape)); })
        .def_property_readonly("outputs", [](const PyNetwork& self) { return shapes(self.network().outputs()); })
        .def_property_readonly("isa", [](const PyNetwork& self) { return std::string(isa_name(self.network().isa())); })
        .def_property_readonly("workspace_bytes", [](const PyNetwork& self) { return self.network().workspace_bytes(); })
        .def_property_readonly("weight_bytes", [](const PyNetwork& self) { return self.network().weight_bytes(); });
    py::class_<PyModel>(module, "Model", py::metaclass(reinterpret_cast<PyObject*>(&PyType_Type)),
                        "A model card and its network.")
        .def(py::init([](const std::string& card, const py::bytes& network, int threads) {
                 return std::make_unique<PyModel>(card, std::string(network), threads);
             }),
             py::arg("card"), py::arg("network"), py::arg("threads") = 1)
        .def("estimate", &PyModel::estimate, py::arg("image"), py::arg("boxes_xyxy"), py::kw_only(),
             py::arg("pixel_format"), "Angles and spread of the heads in the boxes: two float32 (N, 3).")
        .def_property_readonly("network", &PyModel::network, "Its network.");
}

}  // namespace hpe::bindings

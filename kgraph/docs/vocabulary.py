"""The types of kgraph's words: of arguments, attributes and results by their names, for the stubs that editors read.

Each table is {where: {type: names}}. Where: "" everywhere, else a module, a class, a function or a method; the nearest
counts. ``*_initializer`` stands for all names with that last word, ``*`` for all names; in RETURNS for the functions
there whose source does not show what they return. A default of None adds None to a type. Classes are found by their
names, kinds of arguments in kgraph/_types.pyi.
"""
from __future__ import annotations

__all__ = ["ANY_ARGUMENTS", "ANY_NAMES", "ATTRIBUTES", "HOMES", "KEPT", "MEMBERS", "PARAMETERS", "RETURNS"]

# What an argument of a kind is where it is kept as an attribute or given back; Any: something that is made of it.
KEPT = {
    "Int": "int", "Float": "float", "Shape": "tuple[Any, ...]", "DTypeLike": "str", "Verbose": "int | str",
    **dict.fromkeys((
        "DataFormat", "Padding", "Interpolation", "FillMode", "Reduction", "BoxFormat", "Monitored"), "str"),
    **dict.fromkeys((
        "Range", "Ints", "Axis", "Policy", "PathLike", "ArrayLike", "Structure", "Data", "ActivationLike",
        "InitializerLike", "RegularizerLike", "ConstraintLike", "OptimizerLike", "LossLike", "MetricsLike",
        "LearningRate", "Seed", "CustomObjects"), "Any"),
}

PARAMETERS = {
    "": {
        "ArrayLike": """
            x x1 x2 y y_true y_pred tensor query value values images image labels label volumes logits mask
            previous_mask query_mask value_mask key_mask attention_mask sample_weight x_min x_max updates indices
            a b v array arr start_indices default_value bins sorted_sequence segment_ids condition pred
            predictions targets coordinates translate_x translate_y shear_x shear_y center_x center_y top left
            preds initial translation level start_points end_points image1 image2 boxes boxes1 boxes2 anchors
            boxes_delta target_length output_length sequence_lengths count_weights tokens abs_ angle flat min_vals
            max_vals amax_history amax packed gradient bounding_box segmentation_mask segmentation_masks kernel
            depthwise_kernel pointwise_kernel h step_input constant_values repeats recurrent_kernel offset
            transform img ref_labels ref_embeddings""",
        "Structure": """
            inputs sequences xs states initial_state init elems elements outputs loop_vars init_val bounding_boxes
            teacher_outputs student_outputs data state_tree structure flat_sequence shallow_structure""",
        "Axis": "axis axes shared_axes input_axes output_axes attention_axes",
        "int": "node_index index rank",
        "Int": """
            units filters input_dim output_dim num_classes classes batch_size epochs initial_epoch steps_per_epoch
            validation_steps validation_batch_size workers max_queue_size depth_multiplier groups num_heads
            key_dim value_dim head_dim num_query_heads num_key_value_heads n num_bins num_tokens max_tokens height
            width target_height target_width num_oov_indices sequence_length sequence_stride frame_length
            frame_step fft_length lora_rank minlength num_samples num_segments k N M gradient_accumulation_steps
            ema_overwrite_frequency cooldown period start_from_epoch max_epochs max_steps_per_epoch beam_width
            top_paths num_thresholds class_id ignore_class num_labels top_k num_words skip_top index_from maxlen
            max_length num_processes process_id maximum_iterations decimals axis1 axis2 line_length steps epoch
            batch decay_steps first_decay_steps block_size num_bits rows cols dpi start_index end_index
            output_sequence_length samples max_number sampling_rate num_mel_bins order num shift threads
            crossing_dim hashing_dim num_ops mask_index power_iterations buffer_size length count top_cropping
            left_cropping bottom_cropping right_cropping top_padding left_padding bottom_padding right_padding
            ndim max_ndim min_ndim filter_size line_thickness text_thickness orig_len kth current ns_steps""",
        "Float": """
            rate patience scale dropout recurrent_dropout label_smoothing epsilon momentum clipnorm clipvalue
            global_clipnorm loss_scale_factor ema_momentum rtol atol stddev minval maxval l1 l2 validation_split
            min_value max_value delta temperature min_delta baseline min_lr negative_slope theta gain beta_1
            beta_2 rho lr decay decay_rate initial_scale max_loss lora_alpha logit_soft_cap attn_logits_soft_cap
            recall precision specificity sensitivity rcond tol initial_learning_rate end_learning_rate
            warmup_target min_freq max_freq top_db interval fill_value test_split threshold nan posinf neginf k1
            k2 max_val margin initial_value_threshold""",
        "Float | None": "weight_decay",
        "Int | None": "sliding_window start_char oov_char target",
        "bool | None": "flash_attention",
        "bool | str": "use_cudnn",
        "int | str": "save_freq update_freq steps_per_execution",
        "Int | Sequence[Int]": "indices_or_sections validation_freq argnums",
        "str | Callable[..., Any] | None": "standardize split",
        "Any": "window identifier obj var_list",
        "Range": """
            factor x_factor y_factor height_factor width_factor brightness_factor contrast_factor
            saturation_factor hue_factor threshold_factor addition_factor sigma strength""",
        "Ints": """
            kernel_size strides pool_size dilation_rate cropping output_padding size output_size dilation stride
            tile_grid_size pool target_size image_size spatial_dims""",
        "bool": """
            use_bias return_sequences return_state go_backwards stateful unroll zero_output_for_mask
            return_attention_scores use_causal_mask keepdims from_logits sparse ragged center trainable training
            autocast reverse invert shuffle overwrite safe_mode compile expand_nested show_trainable return_dict
            force use_multiprocessing reset_metrics include_optimizer by_name skip_mismatch use_gate run_eagerly
            auto_scale_loss normalize use_scale synchronized renorm persistent sorted optional include_top
            show_masks kernels assembly after finalize record_history show zipped collect_losses upper lower
            recursive""",
        "str | None": "name label_mode class_mode",
        "str": """
            monitor subset bias_axes format save_format job_addresses separator object_name new_name object_path
            weight_name json_string yaml_string layer_name package device_name equation subscripts pattern
            color_mode rankdir splines file_format fname origin md5_hash file_hash cache_subdir hash_algorithm
            archive_format backend text keyname field root summation_method curve merge_mode score_mode oov_method
            encoding output_mode class_aggregation average scaling strategy unit_name prefix box_format
            anchor_format encoded_format encoding_format device_type gives signature batch_dim_name value_format
            unconnected_gradients teacher_layer_name student_layer_name method which""",
        "DataFormat": "data_format",
        "Padding": "padding",
        "Interpolation": "interpolation",
        "FillMode": "fill_mode",
        "Reduction": "reduction",
        "BoxFormat": "bounding_box_format",
        "DTypeLike": "dtype compute_dtype quantized_dtype output_dtype vocabulary_dtype reverse_dtype",
        "ActivationLike": "activation recurrent_activation classifier_activation",
        "InitializerLike": "*_initializer initializer",
        "RegularizerLike": "*_regularizer regularizer",
        "ConstraintLike": "*_constraint constraint",
        "OptimizerLike": "optimizer",
        "LearningRate": "learning_rate",
        "Seed": "seed",
        "Verbose": "verbose",
        "CustomObjects": "custom_objects module_objects",
        "Mapping[str, Any]": "config logs params",
        "Shape": """
            shape input_shape output_shape target_shape batch_shape sequences_shape states_shape inputs_shape
            query_shape value_shape key_shape noise_shape initial_state_shape newshape image_shape data_shape""",
        "PathLike": "filepath cache_dir path directory backup_dir log_dir filename",
        "PathLike | None": "to_file",
        "Sequence[float]": "value_range",
        "Callable[..., Any]": """
            on_epoch_begin on_epoch_end on_train_begin on_train_end on_train_batch_begin on_train_batch_end
            convert fn f fun func function body_fun body cond true_fn false_fn pyfunc print_fn clone_function
            call_function schedule normalizer""",
        "Sequence[Variable]": "variables trainable_variables",
        "Sequence[Any]": """
            weights grads gradients callbacks cells branches primals tangents choicelist condlist vocabulary
            idf_weights class_names stateful_metrics target_class_ids thresholds label_weights boundaries
            bin_boundaries axis_names exclude_layers legend_handles layer_names var_names feature_names dims
            devices""",
        "Variable": "variable reference_variable",
        "Layer": "layer backward_layer",
        "Layer | Sequence[Layer]": "cell",
        "Iterable[Any]": "grads_and_vars",
        "Mapping[int, float]": "class_weight",
        "Sequence[Any] | Mapping[str, Any] | float": "loss_weights",
        "Float | str": "max_shard_size",
        "dict[int, str]": "class_mapping color_mapping ground_truth_mapping prediction_mapping",
        "Policy": "policy",
        "Model": "model student teacher reference_model",
        "Callback": "callback",
    },
    "kgraph.ops": {
        "ArrayLike": """
            inputs scale mean variance gamma beta start stop step bias rcond weights shift num_classes w q data
            target variable default key sigma""",
        "Structure": "xs init elems elements loop_vars init_val",
        "Int": "n k num",
        "Any": "window",
        "Shape": "shape newshape sizes",
    },
    # what programs write anew in classes of their own, where types may be narrower, and inner parts that take anything
    **dict.fromkeys((
        "call", "build", "compute_output_shape", "compute_output_spec", "compute_mask", "update_state",
        "train_step", "test_step", "predict_step", "compute_loss", "compute_metrics", "update_step",
        "get_initial_state", "from_config", "build_from_config", "get_random_transformation",
        "transform_images", "transform_labels", "transform_bounding_boxes", "transform_segmentation_masks",
        "kgraph.compiler", "kgraph.serialization", "kgraph.graph", "kgraph.runtime", "kgraph.function",
        "kgraph.ops.core", "kgraph.ops.getitem", "kgraph.ops.window", "kgraph.inspect.profiling",
        "check_count", "per_sample",
        "apply_mask", "update_all", "inner_loop", "Untracked", "reduced", "_Trials", "rescaled",
        "__getitem__", "deserialize", "add_loss", "kgraph.tree"), {"Any": "*"}),
    **dict.fromkeys(("Orthogonal", "Identity"), {"Float": "gain"}),
    "kgraph.layers.normalization": {"bool": "scale"},
    "kgraph.layers.preprocessing": {"Range": "scale"},
    "scan": {"int": "unroll"},
    **dict.fromkeys((
        "_ZeroPadding", "kgraph.ops.patches", "temporal_padding", "spatial_2d_padding", "spatial_3d_padding"),
        {"Ints": "padding"}),
    "kgraph.legacy.backend": {"DataFormat": "data_format", "Any": "pattern x alt", "Sequence[Any]": "variables"},
    "dot_product_attention": {"ArrayLike": "query key value bias mask"},
    "KTensor": {"Shape": "shape", "DTypeLike": "dtype", "str | None": "name", "Any": "node"},
    "add_optimizer_variables": {"str | Sequence[str]": "name"},
    "get_item": {"Any": "key"},
    "tensordot": {"Any": "axes"},
    "adapt": {"Data": "data"},
    "add_metric": {"ArrayLike": "value"},
    "clone_model": {"Layer": "model"},
    **dict.fromkeys((
        "stateless_call", "stateless_compute_loss", "stateless_apply", "stateless_update_state",
        "stateless_result", "stateless_reset_state"), {"Sequence[Any]": "trainable_variables"}),
    "KerasFileEditor": {"Any": "weights"},
    "timeseries_dataset_from_array": {"ArrayLike | None": "targets"},
    "einsum": {"ArrayLike": "operands"},
    "concatenate": {"Sequence[Any]": "xs", "ArrayLike": "inputs"},
    "pad": {"Any": "pad_width mode"},
    "norm": {"int | float | str": "ord"},
    "kgraph.layers": {
        "Policy": "dtype",
        "Sequence[Any]": "weights",
        "ArrayLike": "mean variance",
        "Any": "salt mask_token oov_token vocabulary quantization_config vectorize default_value",
        "int | Sequence[int]": "ngrams",
    },
    "kgraph.applications": {
        "str | None": "weights pooling",
        "ArrayLike": "input_tensor",
        "ActivationLike": "activation classifier_activation",
    },
    "kgraph.preprocessing": {"Sequence[str]": "classes", "str": "filters"},
    "kgraph.losses": {"DTypeLike": "dtype", "Float": "gamma alpha"},
    "kgraph.metrics": {"DTypeLike": "dtype", "ArrayLike | None": "threshold thresholds"},
    "kgraph.initializers": {"Shape": "shape", "ArrayLike": "value"},
    "kgraph.random": {"Shape": "shape"},
    "kgraph.callbacks": {"Monitored": "mode", "PathLike": "filepath filename log_dir backup_dir"},
    "kgraph.optimizers": {"ArrayLike": "gradient value"},
    "kgraph.utils": {"PathLike": "path directory", "Any": "data dataset y x"},
    "kgraph.utils.bounding_boxes": {"Structure": "boxes anchors boxes_delta", "str": "source target"},
    "kgraph.visualization": {"Structure": "y_true y_pred"},
    "kgraph.export": {"Structure": "x"},
    "kgraph.saving": {"Model": "model", "PathLike": "filepath"},
    "kgraph.models": {"Model": "model"},
    "kgraph.distribution": {"Any": "layout device_mesh", "Sequence[Any]": "axes", "Distribution | None": "value"},
    "Callback": {"int": "epoch batch", "Any": "logs params model"},   # programs read logs without asking for None
    **dict.fromkeys((
        "Initializer", "Regularizer", "Constraint", "LearningRateSchedule"), {"Any": "shape dtype x w step"}),
    "Loss": {"Any": "y_true y_pred sample_weight"},
    "Trainer": {
        "Data": "x y data validation_data",
        "Any": "sample_weight class_weight validation_freq generator",
        "LossLike": "loss",
        "MetricsLike": "metrics weighted_metrics",
        "Sequence[Any] | Callback": "callbacks",
    },
    "Model": {"Any": "inputs outputs args", "PathLike": "filepath"},
    "Sequential": {"Sequence[Any]": "layers"},
    "Variable": {"InitializerLike": "initializer", "Policy": "dtype", "ArrayLike": "value array"},
    "load_onnx": {"PathLike": "source"},
    "moveaxis": {"Axis": "source destination"},
    "FeatureSpace": {"Mapping[str, Any]": "features", "Sequence[Any]": "crosses", "Data": "dataset"},
    "Pipeline": {"Sequence[Layer]": "layers"},
    "quantize": {"Data": "calibration_data"},
    "OptimizerMap": {"Optimizer": "default_optimizer"},
    "LossScaleOptimizer": {"Optimizer": "inner_optimizer"},
    "PiecewiseConstantDecay": {"Sequence[Any]": "boundaries values"},
    "split_dataset": {"Float | None": "left_size right_size"},
    "Reports": {"Any": "loss"},
    "fori_loop": {"ArrayLike": "lower upper"},
    "switch": {"ArrayLike": "index operands"},
    "GradientTape": {"Any": "target sources output_gradients tensor"},
    "Lambda": {"Any": "mask arguments output_shape"},
}

ATTRIBUTES = {
    "": {
        "bool": "built trainable supports_masking stop_training compiled",
        "int": "batch_size",
        # of kinds that a checker cannot know: layer.cell.units is right
        "Any": "node params input_spec cell layer forward_layer backward_layer",
        "Variable | Any": """
            kernel bias embeddings gamma beta recurrent_kernel moving_mean moving_variance depthwise_kernel
            pointwise_kernel""",
    },
    **dict.fromkeys(("Callback", "CallbackList"), {"Any": "model"}),
    "Trainer": {"History | Any": "history", "Any": "loss optimizer"},
    "History": {"dict[str, list[Any]]": "history", "list[int]": "epoch"},
}

RETURNS = {
    "": {
        "dict[str, Any]": "get_config serialize get_compile_config train_step test_step",
        "dict[str, Any] | None": "get_build_config",
        "None": """
            __init__ build build_from_config save_own_variables load_own_variables reset_state reset_states
            update_state set_weights save_weights load_weights save summary add_loss adapt on_epoch_begin
            on_epoch_end on_batch_begin on_batch_end on_train_begin on_train_end on_test_begin on_test_end
            on_predict_begin on_predict_end on_train_batch_begin on_train_batch_end on_test_batch_begin
            on_test_batch_end on_predict_batch_begin on_predict_batch_end set_model set_params finalize_state
            append load_assets set_vocabulary update_step compile_from_config __exit__ __setitem__ __delitem__""",
        "bool": "__bool__ __contains__",
        "int": "__len__ __int__ __index__ __hash__ count_params",
        "float": "__float__",
        "Self": "__enter__ from_config",
        "np.ndarray": "__array__ numpy",
        "Iterator[Any]": "__iter__",
        "list[np.ndarray]": "get_weights",
        "list[Variable]": """
            variables weights trainable_variables trainable_weights non_trainable_variables non_trainable_weights
            metrics_variables optimizer_variables""",
        "list[Any]": "layers metrics",   # of kinds that a checker cannot know: model.layers[-1].units is right
        "list[str]": "metrics_names input_names output_names",
        "tuple[Any, ...]": "compute_output_shape input_shape output_shape shape __dlpack_device__",
        "str": "dtype to_json to_yaml compute_dtype variable_dtype",
        "Any": """
            deserialize serialize_keras_object get get_random_transformation compute_output_spec compute_mask
            get_initial_state result get_layer predict_step compute_loss call learning_rate __eq__ __ne__
            __getitem__ __dlpack__ __getattr__ __next__""",
    },
    "kgraph.ops": {
        "TensorLike": "* append",
        "list[TensorLike]": "unstack split array_split hsplit vsplit dsplit meshgrid",
        "Any": "shape size jvp cond while_loop fori_loop scan associative_scan map switch vectorized_map svd unique",
        "Callable[..., Any]": "vectorize custom_gradient",
        "tuple[TensorLike, ...]": "eig eigh lu_factor slogdet qr histogram moments top_k nonzero ctc_decode",
    },
    "kgraph.losses": {"TensorLike": "* __call__", "Any": "serialize"},
    "kgraph.metrics": {"Any": "serialize"},
    "kgraph.activations": {"TensorLike": "*", "Any": "serialize"},
    **dict.fromkeys((
        "kgraph.layers", "kgraph.initializers", "kgraph.regularizers", "kgraph.constraints",
        "kgraph.optimizers.schedules"), {"TensorLike": "__call__"}),
    **dict.fromkeys((
        "kgraph.layers.rnn_cells", "Initializer.__call__", "Regularizer.__call__", "Constraint.__call__",
        "LearningRateSchedule.__call__", "Layer.__call__", "Model"), {"Any": "__call__"}),
    "kgraph.layers.merging": {"TensorLike": "* __call__"},
    "kgraph.layers.preprocessing": {"Any": "* __call__"},
    "kgraph.applications": {"Model": "*", "Any": "preprocess_input decode_predictions"},
    "kgraph.random": {"TensorLike": "*"},
    "kgraph.quantizers": {"Any": "*"},
    "kgraph.legacy.backend": {"TensorLike": "*", "Any": "get_session function"},
    "kgraph.utils.bounding_boxes": {"TensorLike": "compute_iou compute_ciou"},
    **dict.fromkeys((
        "kgraph.utils.numerical", "kgraph.utils.sequences", "kgraph.visualization"), {"np.ndarray": "*"}),
    "kgraph.utils.folder_datasets": {"Dataset": "*"},
    "img_to_array": {"np.ndarray": "img_to_array"},
    "Input": {"KTensor": "Input"},
    "value_and_grad": {"Callable[..., Any]": "value_and_grad"},
    "function": {"Callable[..., Any]": "function"},
    "remat": {"Callable[..., Any]": "remat"},
    "kernels": {"list[KernelInfo]": "kernels"},
    "Stateful": {"Variable": "add_weight add_variable"},
    "Reports": {"list[Any]": "losses"},
    "TensorLike": {
        "TensorLike": "__getitem__ astype reshape T",
        "Any": "item tolist",
        "Iterator[TensorLike]": "__iter__",
    },
    "Dim": {
        "Dim": "__add__ __radd__ __neg__ __sub__ __rsub__ __mul__ __rmul__ __floordiv__",
        "bool": "__lt__ __le__ __gt__ __ge__",
    },
    "Variable": {"TensorLike": "value", "Any": "assign assign_add assign_sub"},
    "Metric": {"TensorLike": "__call__", "Any": "result", "Variable": "add_variable add_weight"},
    "Optimizer": {"Variable": "iterations slot"},
    "Layer.compute_output_shape": {"Any": "compute_output_shape"},
    "Trainer": {"np.ndarray": "predict predict_on_batch", "Any": "evaluate train_on_batch test_on_batch"},
    "Bundle": {"np.ndarray": "predict"},
}

# Lines of the stub of a class in place of what is found: what all its subclasses have, what is called in several ways.
MEMBERS = {
    "TensorLike": """
        @property
        def shape(self) -> tuple[Any, ...]: ...
        @property
        def dtype(self) -> str: ...
        @property
        def ndim(self) -> int: ...
        def numpy(self) -> NDArray[Any]: ...
        def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]: ...
        _keras_mask: Any
        _keras_history: Any
        """,
    "StepFunctions": """
        train_function: Any
        test_function: Any
        predict_function: Any
        """,
    "Stateful": """
        @overload
        def add_weight(self, shape: Shape = (), initializer: InitializerLike = None, dtype: DTypeLike | None = None,
                       trainable: bool = True, autocast: bool = True, regularizer: RegularizerLike = None,
                       constraint: ConstraintLike = None, aggregation: str | None = None,
                       overwrite_with_gradient: bool = False, name: str | None = None) -> Variable: ...
        @overload
        def add_weight(self, name: str, /, *args: Any, **kwargs: Any) -> Variable: ...
        """,
    "Model": """
        @overload
        def __init__(self, inputs: Any, outputs: Any, name: str | None = None, trainable: bool = True) -> None: ...
        @overload
        def __init__(self, *args: Any, **kwargs: Any) -> None: ...
        """,
}

# Methods that programs write anew, with arguments of their own number and names (what a call of a layer takes is said
# of its __call__), and those whose arguments they call otherwise.
ANY_ARGUMENTS = frozenset({"call", "Layer.build", "Model.build", "Metric.update_state"})
ANY_NAMES = frozenset({"Layer.compute_mask", "Trainer.train_step", "Trainer.test_step", "Trainer.predict_step",
                       "Optimizer.build"})

HOMES = {"TensorLike": "kgraph.compiler.ir"}   # where classes are that are no public names
